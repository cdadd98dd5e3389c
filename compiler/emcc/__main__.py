"""`python -m emcc` is `emcc`."""

from emcc.cli import main

main()
