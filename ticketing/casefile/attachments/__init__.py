"""Pictures and signed papers on file 照片与签字件 (procedure 3.4.5, 3.5.3): uploaded once, never changed.

Who: everybody who may write on the paper they belong to. Reachable only by those who may see that paper.
"""
