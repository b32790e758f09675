"""Write the pages of reference."""

from docs.pages import PAGES

for path, page in PAGES.items():
    path.write_text(page())
