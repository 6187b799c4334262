package node

type tmpHub struct{}

func (*tmpHub) Publish(topic, value string) {}
