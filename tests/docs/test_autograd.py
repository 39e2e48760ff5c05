"""The lesson: every step by hand is what autograd finds."""


def test_the_lesson_prints_what_it_shows(follow):
    follow("autograd.md")
