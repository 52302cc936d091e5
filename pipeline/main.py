"""The command `dexome` as a process: how it begins, and how it ends."""

import gc
import sys

from pipeline.exit_codes import EXIT_FAILED, EXIT_INTERRUPTED


def main() -> None:
    """Run a command; a caller's error is one sentence and a code, never a traceback."""
    try:
        _run()
    except KeyboardInterrupt:
        # It came while the command was still imported; later the command itself answers it.
        _tell_stopped()
        sys.exit(EXIT_INTERRUPTED)
    except SystemExit as end:
        if end.code == EXIT_INTERRUPTED:
            _tell_stopped()
        raise


def _tell_stopped() -> None:
    sys.stderr.write("stopped; run the same command again to go on from here\n")


def _run() -> None:
    # No import is garbage; to look for it while they come, and at the end, takes a second in all.
    gc.disable()
    try:
        # Here, for the processes of a local cluster import this module again, and need none of it.
        import typer

        from cluster.profile import ClusterError
        from pipeline.cli import app
        from storage.errors import DexomeError

        gc.freeze()
    finally:
        gc.enable()
    try:
        app()
    except (DexomeError, ClusterError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(EXIT_FAILED)
