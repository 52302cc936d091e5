"""What the exit code of a command means; wrong usage ends with 2, as Typer has it."""

EXIT_FAILED = 1
EXIT_REFUSED = 3
EXIT_INTERRUPTED = 130
