"""What `augment` consists of: answers of runs, what must stay held out, the folder that is written, the report."""
