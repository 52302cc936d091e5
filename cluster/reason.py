"""What a failure of other people's code says, in one line."""


def reason(error: BaseException) -> str:
    """Its first line; where a command failed, what that wrote to stderr first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if "stderr:" in lines[:-1]:
        return lines[lines.index("stderr:") + 1]
    return lines[0] if lines else type(error).__name__


def innermost(error: BaseException) -> BaseException:
    """What an error was raised for, and that for: Dask wraps what it could not start in a RuntimeError.

    It may meet another one when it cleans up after that.
    """
    while True:
        before = error.__context__
        within = error.__cause__ or (before if isinstance(before, RuntimeError) else None)
        if within is None:
            return error
        error = within
