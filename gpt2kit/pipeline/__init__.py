"""The verbs, one file each: the only files that know both the tasks and the core."""
