"""The officer's screen: `movepass scan`.

feeds.py       where codes come from: keyboard or hand scanner, serial line, pictures, a folder, a camera
keyboard.py    what was typed: a scanner's line, or a key pressed by a person
session.py     what happens: a code gives a verdict, a key changes what is shown; no terminal, no clock of its own
screen.py      what that looks like: lines of text for a size of terminal
terminal.py    the terminal itself
sound.py       what is heard
command.py     the command, which puts these together
"""
