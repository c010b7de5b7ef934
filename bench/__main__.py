"""`python -m bench`: all benchmarks."""

from bench import check, manifests, release, rules, webhooks

if __name__ == "__main__":
    rules.main()
    check.main()
    manifests.main()
    webhooks.main()
    release.main()
