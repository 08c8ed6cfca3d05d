"""The entry point of the installed command, which reports what happens before the command line is imported.

It imports nothing at first: importing the command line takes a tenth of a second, in which Python would
answer Ctrl-C with a traceback.
"""

INTERRUPTED = "Interrupted by Ctrl-C. Nothing is half done: run the command again.\n"
EXIT_CODE = 130


def main() -> None:
    """Runs `pipeline.cli.main`, which exits.

    Before that takes over, Ctrl-C exits with EXIT_CODE, and a package that is not installed with 1.
    """
    try:
        try:
            from pipeline.cli import main as command
        except ModuleNotFoundError as error:
            import sys

            from pipeline.installation import missing_package

            message = missing_package(error)
            if message is None:
                raise
            sys.stderr.write(f"Error: {message}\n")
            sys.exit(1)
        command()
    except KeyboardInterrupt:
        import sys

        sys.stderr.write(INTERRUPTED)
        sys.exit(EXIT_CODE)
