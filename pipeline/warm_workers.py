"""Workers that have the kernels of what they will be asked for before the first study comes."""

import threading

from distributed import Client, Worker, WorkerPlugin

from pipeline.ahead import left_out
from pipeline.one_thread import one_blas_thread
from pipeline.warm import warm_analysis, warm_enrichment


class WarmUp(WorkerPlugin):  # type: ignore[misc]  # its base is untyped
    """Reads the kernels from numba's cache, or compiles them, in the background of each worker that starts.

    A study that comes meanwhile waits for the kernel that it needs, as numba compiles one at a time, and no
    longer than if it had to compile it itself.
    """

    name = "warm-up"

    def __init__(self, *, enrichment: bool) -> None:
        self._enrichment = enrichment

    def setup(self, worker: Worker) -> None:
        """Begin; the worker does not wait."""
        del worker
        threading.Thread(target=self._warm, name="warm-up", daemon=True).start()

    def _warm(self) -> None:
        with left_out(), one_blas_thread():
            warm_analysis()
            if self._enrichment:
                warm_enrichment()


def warm_workers(client: Client, *, enrichment: bool) -> None:
    """Warm the workers that are up, and those that come."""
    with left_out():
        client.register_plugin(WarmUp(enrichment=enrichment))
