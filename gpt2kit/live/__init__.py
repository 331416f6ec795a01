"""A run's model in JavaScript, for a page that works without a server."""
