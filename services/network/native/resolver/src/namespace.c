/* SPDX-License-Identifier: Apache-2.0 */
#include "namespace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "forward.h"
#include "tcp_server.h"
#include "udp_server.h"

struct namespace *namespace_find(struct resolver *resolver, const uint8_t *id, uint8_t length)
{
	list_each(link, &resolver->namespaces) {
		struct namespace *namespace = containing(link, struct namespace, in_resolver);

		if (namespace->id_length == length && memcmp(namespace->id, id, length) == 0)
			return namespace;
	}
	return NULL;
}

struct namespace *namespace_get(struct resolver *resolver, const uint8_t *id, uint8_t length)
{
	struct namespace *namespace = namespace_find(resolver, id, length);

	if (namespace)
		return namespace;
	namespace = calloc(1, sizeof(*namespace));
	if (!namespace)
		return NULL;
	namespace->resolver = resolver;
	namespace->id_length = length;
	memcpy(namespace->id, id, length);
	namespace->tokens = BURST;
	namespace->tokens_ms = resolver->loop.now_ms;
	list_init(&namespace->forwards);
	list_init(&namespace->clients);
	list_append(&resolver->namespaces, &namespace->in_resolver);
	resolver->namespace_count++;
	return namespace;
}

static void release_port(struct source *source)
{
	free(containing(source, struct port, source));
}

static bool is_heard(const struct namespace *namespace)
{
	return namespace->view && namespace->resolver->informed;
}

static void port_listen(struct port *port)
{
	bool listen = port->namespace && !port->paused && is_heard(port->namespace);

	if (port->namespace)
		source_want(&port->namespace->resolver->loop, &port->source, listen ? EPOLLIN : 0);
}

static void pause_ended(struct loop *loop, struct timer *timer)
{
	struct port *port = containing(timer, struct port, pause);

	(void)loop;
	port->paused = false;
	port_listen(port);
}

void port_pause(struct port *port, struct clock *clock)
{
	if (!port->namespace)
		return;
	port->paused = true;
	timer_start(&port->namespace->resolver->loop, clock, &port->pause);
	port_listen(port);
}

static void port_close(struct port *port)
{
	struct loop *loop;

	if (!port)
		return;
	loop = &port->namespace->resolver->loop;
	port->namespace = NULL;
	timer_stop(&port->pause);
	source_close(loop, &port->source);
}

static struct port *port_open(struct namespace *namespace, int fd, void (*ready)(struct loop *, struct source *, uint32_t))
{
	struct port *port = calloc(1, sizeof(*port));

	if (!port) {
		close(fd);
		return NULL;
	}
	port->source = (struct source){ .fd = fd, .ready = ready, .release = release_port };
	port->namespace = namespace;
	timer_init(&port->pause, pause_ended);
	if (source_add(&namespace->resolver->loop, &port->source, is_heard(namespace) ? EPOLLIN : 0) == 0)
		return port;
	close(fd);
	free(port);
	return NULL;
}

static void close_ports(struct namespace *namespace)
{
	port_close(namespace->udp);
	port_close(namespace->tcp);
	namespace->udp = namespace->tcp = NULL;
}

int namespace_open(struct namespace *namespace, int udp, int tcp)
{
	close_ports(namespace);
	namespace->udp = port_open(namespace, udp, udp_ready);
	namespace->tcp = port_open(namespace, tcp, tcp_ready);
	if (namespace->udp && namespace->tcp)
		return 0;
	close_ports(namespace);
	errno = ENOMEM;
	return -1;
}

void namespace_listen(struct namespace *namespace)
{
	if (namespace->udp)
		port_listen(namespace->udp);
	if (namespace->tcp)
		port_listen(namespace->tcp);
}

void view_free(struct resolver *resolver, struct view *view)
{
	if (!view)
		return;
	for (int i = 0; i < view->network_count; i++)
		network_leave(&resolver->names, view->networks[i]);
	free(view);
}

void namespace_set_view(struct namespace *namespace, struct view *view)
{
	struct view *before = namespace->view;

	namespace->view = view;
	view_free(namespace->resolver, before);
	if (!before)
		namespace_listen(namespace);
}

void namespace_close(struct namespace *namespace)
{
	struct resolver *resolver = namespace->resolver;

	list_each(link, &namespace->forwards)
		forward_drop(containing(link, struct forward, in_namespace));
	list_each(client, &namespace->clients)
		client_close(containing(client, struct client, in_namespace));
	close_ports(namespace);
	view_free(resolver, namespace->view);
	list_remove(&namespace->in_resolver);
	resolver->namespace_count--;
	free(namespace);
}
