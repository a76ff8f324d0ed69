module kith.test/peer

go 1.19
