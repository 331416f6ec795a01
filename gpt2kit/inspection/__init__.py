"""Shows what a model trained here computes on one input, as a page, tables, figures or numbers."""
