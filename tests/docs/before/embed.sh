heart pull -q
