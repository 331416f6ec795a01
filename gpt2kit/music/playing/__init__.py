"""What decides which events may follow while a model plays."""
