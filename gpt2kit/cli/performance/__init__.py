"""The commands of tasks that play: performances as files to hear and see."""
