"""`python -m bench`: all benchmarks."""

from bench import check, manifests, release, rules

if __name__ == "__main__":
    rules.main()
    check.main()
    manifests.main()
    release.main()
