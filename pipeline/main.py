"""The command `dexome` as a process: how it begins, and how it ends."""

import gc
import sys


def main() -> None:
    """Run a command; a caller's error is one sentence and a code, never a traceback."""
    # No import is garbage; to look for it while they come, and at the end, takes a second in all.
    gc.disable()
    # Here, for the processes of a local cluster import this module again, and need none of it.
    import typer

    from cluster.profile import ClusterError
    from pipeline.cli import app
    from pipeline.commands.options import EXIT_FAILED, EXIT_INTERRUPTED
    from storage.errors import DexomeError

    gc.freeze()
    gc.enable()
    try:
        app()
    except (DexomeError, ClusterError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(EXIT_FAILED)
    except SystemExit as end:
        if end.code == EXIT_INTERRUPTED:
            typer.echo("stopped; run the same command again to go on from here", err=True)
        raise
