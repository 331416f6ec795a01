"""The shared GPT-2 core: ids to hidden states to logits."""
