"""Run folders in the formats of other tools, each compared with the run before it takes its name."""
