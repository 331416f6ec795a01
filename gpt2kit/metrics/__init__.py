"""Quality of answers: loss in nats, and the metrics of each task."""
