"""`python -m throng`."""

from throng.cli import main

main()
