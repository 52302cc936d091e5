"""What a user says about the machines to use: one profile of the configuration."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from cluster.walltime import walltime_minutes

Kind = Literal[
    "local",
    "threads",
    "slurm",
    "pbs",
    "sge",
    "lsf",
    "ssh",
    "kubernetes",
    "gateway",
    "address",
    "custom",
]
QUEUES = ("slurm", "pbs", "sge", "lsf")
# Kinds whose scheduler is in this process.
STARTED_HERE = ("local", "threads", *QUEUES, "ssh")
# Kinds whose workers have the memory that others gave them.
SIZED_ELSEWHERE = ("address", "gateway", "custom")

# Settings that do not go with every kind.
_GO_WITH: dict[str, tuple[str, ...]] = {
    "workers": ("local", "threads", *QUEUES, "ssh", "kubernetes", "gateway", "custom"),
    "minimum": ("local", *QUEUES, "kubernetes", "gateway", "custom"),
    "maximum": ("local", *QUEUES, "kubernetes", "gateway", "custom"),
    "gpus": ("local",),
    "lifetime_minutes": ("local", *QUEUES, "ssh", "kubernetes"),
    "lifetime_stagger_minutes": ("local", *QUEUES, "ssh", "kubernetes"),
    "resources": ("local", "threads", *QUEUES, "ssh", "kubernetes"),
    "address": ("address",),
    "hosts": ("ssh",),
    "factory": ("custom",),
    "interface": ("local", *QUEUES, "ssh"),
    "dashboard": STARTED_HERE,
    "tls": ("local", *QUEUES, "ssh"),
    "tls_ca_file": ("local", *QUEUES, "ssh", "address"),
    "tls_cert_file": ("local", *QUEUES, "ssh", "address"),
    "tls_key_file": ("local", *QUEUES, "ssh", "address"),
    "options": ("local", *QUEUES, "ssh", "kubernetes", "gateway", "custom"),
}
# What options would say of a worker's memory, beside memory_gib and without a task's check knowing it.
_MEMORY = {
    "local": ("memory_limit",),
    "ssh": ("memory_limit",),
    **dict.fromkeys(QUEUES, ("memory",)),
    "slurm": ("memory", "job_mem"),
    "lsf": ("memory", "mem"),
}
_REQUIRED = {"address": "address", "ssh": "hosts", "custom": "factory"}
# Options of batch systems that are lists: of a string each letter would be taken for an item.
_LISTS = (
    *("worker_extra_args", "job_script_prologue"),
    *("job_extra_directives", "job_directives_skip"),
)


class ClusterError(Exception):
    """Machines that can't be had; the message is one sentence with the cure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterProfile:
    """A profile `[cluster.NAME]`.

    `local` starts `workers` processes of one thread each, `threads` as many threads of this process,
    `slurm`, `pbs`, `sge` and `lsf` jobs of a batch system, `ssh` processes on `hosts`, `kubernetes` pods;
    `gateway` asks a Dask Gateway, `address` joins the scheduler at `address`, and `custom` calls `factory`,
    a dotted name. `options` are handed to what makes the cluster, as they are.

    There are always `workers` workers, or from `minimum` to `maximum` as there is work. Memory is per
    worker. A worker retires after its lifetime, give or take the stagger (by default a tenth of it), and is
    replaced. Scheduler and workers listen on loopback, unless an `interface` is named. `tls` makes
    certificates for the run; those of `tls_ca_file`, `tls_cert_file` and `tls_key_file` are used otherwise.
    """

    kind: Kind = "local"
    workers: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    memory_gib: float = 4.0
    gpus: int | None = None
    lifetime_minutes: float | None = None
    lifetime_stagger_minutes: float | None = None
    resources: dict[str, float] = field(default_factory=dict)
    address: str | None = None
    hosts: tuple[str, ...] = ()
    factory: str | None = None
    interface: str | None = None
    dashboard: str = "127.0.0.1:0"
    tls: bool = False
    tls_ca_file: Path | None = None
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    report: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("workers", "maximum", "gpus"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        for name in ("memory_gib", "lifetime_minutes"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be positive, got {value}")
        self._check_kind()
        self._check_size()
        self._check_lifetime()
        files = [self.tls_ca_file, self.tls_cert_file, self.tls_key_file]
        if any(files) and not all(files):
            raise ValueError(
                "tls_ca_file, tls_cert_file and tls_key_file go together: give all three"
            )

    @property
    def adaptive(self) -> bool:
        """Whether the number of workers follows the work."""
        return self.maximum is not None

    @property
    def stagger_minutes(self) -> float:
        """By how much lifetimes differ, at most, to either side."""
        if self.lifetime_stagger_minutes is not None:
            return self.lifetime_stagger_minutes
        return (self.lifetime_minutes or 0.0) / 10

    @property
    def threads_per_worker(self) -> int:
        """Threads that share the memory of a worker, by the options; of `threads` each has its own."""
        if self.kind == "local":
            threads = self.options.get("threads_per_worker")
        elif self.kind == "ssh":
            threads = self.options.get("worker_options", {}).get("nthreads")
        elif self.kind in QUEUES:
            processes = int(self.options.get("processes", 1))
            threads = int(self.options.get("cores", processes)) // processes
        else:
            threads = None
        return max(1, int(threads or 1))

    def _check_kind(self) -> None:
        for item in fields(self):
            kinds = _GO_WITH.get(item.name)
            given = getattr(self, item.name) not in (item.default, {})
            if given and kinds is not None and self.kind not in kinds:
                raise ValueError(
                    f'{item.name} does not go with kind = "{self.kind}", only with {", ".join(kinds)}'
                )
        required = _REQUIRED.get(self.kind)
        if required is not None and not getattr(self, required):
            raise ValueError(f'kind = "{self.kind}" needs {required}')
        worker_options = self.options.get("worker_options", {})
        for memory in _MEMORY.get(self.kind, ()):
            if memory in self.options or memory in worker_options:
                raise ValueError(
                    f"{memory} of options is memory_gib in a profile: give that in its place"
                )
        for name in ("interface", "host") if self.kind in QUEUES else ():
            if name in self.options:
                raise ValueError(
                    f"{name} of options is interface in a profile: give that in its place"
                )
        for name in _LISTS if self.kind in QUEUES else ():
            value = self.options.get(name)
            if isinstance(value, str):
                raise ValueError(
                    f'{name} of options must be a list, got "{value}"; write ["{value}"]'
                )

    def _check_size(self) -> None:
        if self.workers is not None and self.adaptive:
            raise ValueError(
                "workers is a fixed size, and maximum an adaptive one: give one of them"
            )
        if self.minimum is not None and not 0 <= self.minimum <= (self.maximum or 0):
            raise ValueError(
                f"minimum must be from 0 to maximum, got {self.minimum} and {self.maximum}"
            )
        if self.gpus is not None and (self.workers is not None or self.adaptive):
            raise ValueError("gpus starts one worker for each GPU: leave out workers and maximum")
        if self.kind in (*QUEUES, "kubernetes", "gateway") and not (self.workers or self.adaptive):
            raise ValueError(
                f'kind = "{self.kind}" needs workers, or maximum for a size that follows the work'
            )

    def _check_lifetime(self) -> None:
        stagger = self.lifetime_stagger_minutes
        if stagger is not None and self.lifetime_minutes is None:
            raise ValueError("lifetime_stagger_minutes goes with lifetime_minutes")
        if stagger is not None and not 0 <= stagger < (self.lifetime_minutes or 0):
            raise ValueError(
                f"lifetime_stagger_minutes must be from 0 to below lifetime_minutes, got {stagger}"
            )
        self.check_walltime(self.options.get("walltime"), "walltime")

    def check_walltime(self, walltime: object, whose: str) -> None:
        """Refuse a lifetime that a job with this walltime, which `whose` names, would not live to see.

        Raises
        ------
        ValueError
            The message has both numbers.
        """
        limit = walltime_minutes(self.kind, walltime)
        if limit is None or self.lifetime_minutes is None:
            return
        latest = self.lifetime_minutes + self.stagger_minutes
        if latest >= limit:
            raise ValueError(
                f"a worker may live {latest:g} minutes (lifetime and stagger), and its job ends "
                f"after {limit:g} ({whose}); lower lifetime_minutes, or give options a longer walltime"
            )
