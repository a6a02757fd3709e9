"""What throng measures of itself.

`throng bench` (bench.py) compares the modes on scenes and fields; `figures.py` measures what
docs/performance.md lists. Nothing here is a test: machines differ, so figures are ratios of things measured
in turns.
"""
