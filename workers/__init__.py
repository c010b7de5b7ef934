"""The two worker roles, the jobs that they take from the queue, and the reconciler."""
