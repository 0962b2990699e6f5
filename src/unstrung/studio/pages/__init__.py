"""The web studio: pages made on the server, that work without scripts where they promise to.

Role: forms and links in, HTML out. Pages parse, call the same services as the API, and show; they hold no
rule and no SQL. Every page is a frozen dataclass whose fields are all that its template may read.
"""
