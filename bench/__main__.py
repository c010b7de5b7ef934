"""`python -m bench`: all benchmarks."""

from bench import release

if __name__ == "__main__":
    release.main()
