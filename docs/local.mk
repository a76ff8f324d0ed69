# Man pages, from POD; without perl, or when cross compiling, there are none. kith.yaml(5) comes out
# of the program itself, so that it can't be older than the tables that files are checked with;
# other pages are docs/man/NAME.SECTION.pod: list them in WRITTEN_PAGES.
dist_doc_DATA += docs/ARCHITECTURE.md docs/CODECS.md docs/CONTROL.md docs/PLUGINS.md \
  docs/PROTOCOL.md docs/WIRE.md
WRITTEN_PAGES = docs/man/kith.1
if MAN_PAGES
man_MANS += docs/man/kith.yaml.5 $(WRITTEN_PAGES)
endif
EXTRA_DIST += $(WRITTEN_PAGES:=.pod)
CLEANFILES += docs/man/kith.yaml.5 docs/man/kith.yaml.5.pod $(WRITTEN_PAGES)
MAN = $(POD2MAN) --utf8 --center=Kith --release='kith $(VERSION)'

docs/man/kith.yaml.5: tools/kith$(EXEEXT) $(PLUGINS)
	$(AM_V_GEN)$(MKDIR_P) docs/man && { $(TEST_ENV) tools/kith$(EXEEXT) config doc >$@.pod; } && \
	  $(MAN) --section=5 --name=KITH.YAML $@.pod >$@.tmp && mv $@.tmp $@

docs/man/%.1: docs/man/%.1.pod
	$(AM_V_GEN)$(MKDIR_P) docs/man && \
	  $(MAN) --section=1 --name=`echo $* | tr a-z A-Z` $< >$@.tmp && mv $@.tmp $@
