"""Reports what this machine has, and what that means for each task. It works even if packages cannot be imported."""
