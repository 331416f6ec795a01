"""The command line: `gpt2kit TASK VERB`."""
