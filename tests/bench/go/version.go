package main

import "runtime/debug"

func version() string {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/hashicorp/memberlist" {
				return m.Version
			}
		}
	}
	return "?"
}
