"""How long a job may run, as each batch system writes it."""

import re

# Lengths in minutes of the fields that a pattern names.
_MINUTES = {"d": 1440.0, "h": 60.0, "m": 1.0, "s": 1 / 60}
_D, _H, _M, _S = (rf"(?P<{field}>\d+)" for field in "dhms")
_FORMS = {
    "slurm": (
        *(_M, f"{_M}:{_S}", f"{_H}:{_M}:{_S}"),
        *(f"{_D}-{_H}", f"{_D}-{_H}:{_M}", f"{_D}-{_H}:{_M}:{_S}"),
    ),
    "pbs": (_S, f"{_M}:{_S}", f"{_H}:{_M}:{_S}"),
    "sge": (_S, f"{_H}:{_M}:{_S}"),
    "lsf": (_M, f"{_H}:{_M}"),
}


def walltime_minutes(kind: str, walltime: object) -> float | None:
    """Minutes that a batch system understands by a walltime; None: no limit, or another form.

    Slurm has M, M:S, H:M:S, D-H, D-H:M and D-H:M:S; PBS S, M:S and H:M:S; Grid Engine S and H:M:S; LSF M
    and H:M.
    """
    for form in _FORMS.get(kind, ()):
        if found := re.fullmatch(form, str(walltime)):
            fields = found.groupdict().items()
            return sum(int(value) * _MINUTES[field] for field, value in fields) or None
    return None
