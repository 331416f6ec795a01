"""The verbs, one file each: the only files that import both the tasks and the core."""
