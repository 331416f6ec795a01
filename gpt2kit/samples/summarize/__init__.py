"""Short articles with their leads for `gpt2kit demo summarize`, and the program that wrote them.

Everything in them is invented. They were written for this project and share its MIT licence.
"""
