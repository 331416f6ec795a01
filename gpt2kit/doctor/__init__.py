"""What this machine has, and what that means for each task. It works where imports fail: that is what it looks for."""
