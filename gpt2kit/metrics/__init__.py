"""How good the answers are: loss in nats, and the metrics of each task."""
