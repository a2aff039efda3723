/* page_assets - the parts of the page; the strings are made from the files beside this one. */
#ifndef PAGE_ASSETS_H
#define PAGE_ASSETS_H

extern const char page_html[]; /* with @@STYLE@@, @@META@@, @@COLUMNS@@ and @@SCRIPT@@ in it */
extern const char page_style[];
extern const char page_script[];

#endif
