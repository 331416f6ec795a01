"""Training windows: varied in pitch and tempo, and arranged for infilling and accompaniment."""
