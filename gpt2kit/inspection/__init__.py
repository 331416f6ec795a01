"""Looking inside: what a model that was trained here computes on one input, as a page, tables, figures or numbers."""
