"""`python -m emcc` is `emcc`."""

import signal


def main() -> None:
    """Run the `emcc` command. Ctrl-C while it is still being imported ends it without a traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from emcc import cli

    signal.signal(signal.SIGINT, before)
    cli.main()


if __name__ == "__main__":
    main()
