"""What a program finds in prompts and clips: risk classes, with words and seconds."""
