"""`python -m bench`: all benchmarks."""

from bench import check, release, rules

if __name__ == "__main__":
    rules.main()
    check.main()
    release.main()
