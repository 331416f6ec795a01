"""Fine-tuning beyond plain text: what a row of each kind of table is, and how it becomes ids."""
