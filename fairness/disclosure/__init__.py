"""The datasheet of a batch, as it leaves the house. Begin reading at sheet.py.

`sheet` gathers the plain values of `fairness/datasheet` and adds what people say and DataRubrics; `sections` puts them
into facts and tables, which `markdown` and a template write down; `croissant` says the same in MLCommons' vocabulary.
"""
