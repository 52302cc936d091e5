"""Why a study can't be analysed."""


class NotAnalysableError(ValueError):
    """The counts carry no answer.

    `code` is a word for tables, the message a sentence, `sample` the index of the sample at fault.
    """

    def __init__(self, code: str, message: str, sample: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.sample = sample
