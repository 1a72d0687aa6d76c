"""Pages: addresses, views, forms, template tags.

Begin with `urls`, the list of all pages; a view loads, checks who asks, and hands a report to a template.
"""
