"""`python -m bench`: all benchmarks."""

from bench import check, release

if __name__ == "__main__":
    check.main()
    release.main()
