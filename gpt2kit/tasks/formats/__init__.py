"""Fine-tuning beyond plain text: the rows of each kind of table, and how they are encoded."""
