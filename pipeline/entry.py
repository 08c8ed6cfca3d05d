"""The entry point of the installed command, which also reports a Ctrl-C before the command line is imported.

It imports nothing at first: importing the command line takes a tenth of a second, in which Python would
answer Ctrl-C with a traceback.
"""

INTERRUPTED = "Interrupted by Ctrl-C. Nothing is half done: run the command again.\n"
EXIT_CODE = 130


def main() -> None:
    """Runs `pipeline.cli.main`, which exits; exits with EXIT_CODE if interrupted before that takes over."""
    try:
        from pipeline.cli import main as command

        command()
    except KeyboardInterrupt:
        import sys

        sys.stderr.write(INTERRUPTED)
        sys.exit(EXIT_CODE)
