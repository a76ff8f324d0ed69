# Pages to read, and man pages from POD; without perl, or when cross compiling, there are none of
# these. kith.yaml(5) and kith-scenario(5) come out of the program itself, so that they can't be
# older than the tables that files are checked with; the others are docs/man/NAME.SECTION.pod: list
# them in WRITTEN_PAGES.
nobase_dist_doc_DATA = docs/gains.svg \
  docs/ARCHITECTURE.md docs/CODECS.md docs/CONTROL.md docs/PLUGINS.md \
  docs/PROTOCOL.md docs/SECURITY.md docs/SIMULATION.md docs/TRANSPORTS.md docs/WIRE.md \
  docs/simulation/draw.py docs/simulation/tables.py \
  docs/simulation/loss.csv docs/simulation/loss.svg docs/simulation/probe.csv \
  docs/simulation/probe.svg docs/simulation/profiles.csv docs/simulation/profiles.svg \
  docs/simulation/seeds-views.csv docs/simulation/seeds.csv docs/simulation/seeds.svg
# What makes the numbers of SIMULATION.md.
docscriptdir = $(docdir)
nobase_dist_docscript_SCRIPTS = docs/simulation/run.py
WRITTEN_PAGES = docs/man/kith.1 docs/man/kith-plugin.3 docs/man/kith-transport.3 \
  docs/man/kith-codec.3 docs/man/kith-delegate.3
if MAN_PAGES
man_MANS += docs/man/kith.yaml.5 docs/man/kith-scenario.5 $(WRITTEN_PAGES)
endif
EXTRA_DIST += $(WRITTEN_PAGES:=.pod)
CLEANFILES += docs/man/kith.yaml.5 docs/man/kith.yaml.5.pod docs/man/kith-scenario.5 \
  docs/man/kith-scenario.5.pod $(WRITTEN_PAGES)
MAN = $(POD2MAN) --utf8 --center=Kith --release='kith $(VERSION)'
# $(call man_page,NAME.SECTION,PAGE.pod): the title is NAME in capitals, as man pages have it.
man_page = $(MKDIR_P) docs/man && \
  $(MAN) --section=$(subst .,,$(suffix $(1))) --name=`echo $(basename $(1)) | tr a-z A-Z` $(2) \
  >$@.tmp && mv $@.tmp $@

docs/man/kith.yaml.5: tools/kith$(EXEEXT) $(PLUGINS)
	$(AM_V_GEN)$(MKDIR_P) docs/man && { $(TEST_ENV) tools/kith$(EXEEXT) config doc >$@.pod; } && \
	  $(call man_page,kith.yaml.5,$@.pod)

docs/man/kith-scenario.5: tools/kith$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) docs/man && \
	  { $(TEST_ENV) tools/kith$(EXEEXT) config doc --scenario >$@.pod; } && \
	  $(call man_page,kith-scenario.5,$@.pod)

docs/man/%.1: docs/man/%.1.pod
	$(AM_V_GEN)$(call man_page,$*.1,$<)
docs/man/%.3: docs/man/%.3.pod
	$(AM_V_GEN)$(call man_page,$*.3,$<)
